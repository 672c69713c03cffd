"""Every task has somebody who ends it: a TaskGroup, or in an engine the object that started it.

The checks are functions of source text, so that they can be shown to fail.
"""

import ast
from pathlib import Path

import pytest

from tests.test_layers import modules, our_name

TASKLESS = ("core", "engines", "ports", "bench", "pb")
"""Not searched for stray tasks: the first has none, the others are no server, but for `OWNERS`."""
OWNERS = ("engines", "ports")
"""Here tasks outlive the call that starts them: who starts one keeps it, and ends it (`unowned_tasks`)."""
ENDS = ("close", "aclose", "__aexit__")
"""Methods in which an owner ends its tasks."""
TASK_OWNER = "TaskSet"
"""Of `ports.streaming`: whoever makes one for itself closes it."""


def last_name(node: ast.expr | None) -> str:
    """`self._tasks` and `_tasks` are both `_tasks`; of anything else nothing."""
    match node:
        case ast.Attribute(attr=name):
            return name
        case ast.Name(id=name):
            return name
        case ast.Constant(value=str(text)):
            return text.split(".")[-1]
    return ""


def groups(tree: ast.AST) -> set[str]:
    """Names of task groups: opened with `async with`, annotated arguments, or given by a property."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.withitem(context_expr=ast.Call(func=func), optional_vars=ast.expr() as name):
                found |= {last_name(name)} if last_name(func) == "TaskGroup" else set()
            case ast.arg(arg=name, annotation=ast.expr() as kind):
                found |= {name} if last_name(kind) == "TaskGroup" else set()
            case ast.FunctionDef(name=name, returns=ast.expr() as kind):
                found |= {name} if last_name(kind) == "TaskGroup" else set()
    return found


def stray_tasks(source: str) -> list[str]:
    """Tasks that no TaskGroup of the same file owns."""
    tree = ast.parse(source)
    owners, found = groups(tree), []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = last_name(node.func)
        owner = last_name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if name in ("ensure_future", "gather") or (name == "create_task" and owner not in owners):
            found.append(f"line {node.lineno}: {ast.unparse(node.func)}")
    return found


def unowned_tasks(source: str) -> list[str]:
    """Tasks that nobody ends: one belongs to a TaskGroup, or has a name and is kept in an attribute (or in a
    set that is one) of the class that starts it, which cancels what is there, and waits for it, in one of
    `ENDS`. A `TaskSet` that is made is closed there; one that is given is its giver's."""
    found = set(stray_tasks(source))
    for owner in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)):
        ended = set.union(set(), *(ended_in(method) for method in methods(owner) if method.name in ENDS))
        for method in methods(owner):
            for call in calls(method, "create_task"):
                is_kept = kept_in(method, call) in ended and any(key.arg == "name" for key in call.keywords)
                found -= {f"line {call.lineno}: {ast.unparse(call.func)}"} if is_kept else set()
            for call in calls(method, TASK_OWNER):
                is_ours = kept_in(method, call) in ended or is_given_too(method, call)
                found |= set() if is_ours else {f"line {call.lineno}: {TASK_OWNER} is not closed"}
    return sorted(found)


def methods(owner: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in owner.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and last_name(node.func) == name]


def own_attribute(node: ast.expr) -> str:
    """`tasks` of `self.tasks`; empty for everything else."""
    is_own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if is_own and isinstance(node, ast.Attribute) else ""


def kept_in(method: ast.AST, call: ast.Call) -> str:
    """The attribute of `self` that holds what `call` makes: assigned, or added by `self.NAME.add(…)`, at once
    or by its local name."""
    local = ""
    for node in ast.walk(method):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and call in ast.walk(node.value):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if attribute := own_attribute(target):
                return attribute
            local = last_name(target)
    for added in calls(method, "add"):
        what = added.args[0] if added.args else None
        if what is call or (local and isinstance(what, ast.Name) and what.id == local):
            assert isinstance(added.func, ast.Attribute)
            return own_attribute(added.func.value)
    return ""


def is_given_too(method: ast.AST, call: ast.Call) -> bool:
    """`TaskSet() if tasks is None else tasks`: for whoever has no owner, and then ends its task itself."""
    return any(isinstance(node, ast.IfExp) and node.body is call for node in ast.walk(method))


def ended_in(method: ast.AST) -> set[str]:
    """The attributes of `self` that are awaited there, and cancelled, or closed as a `TaskSet` is."""
    awaited = {
        own_attribute(part)
        for node in ast.walk(method)
        if isinstance(node, ast.Await)
        for part in ast.walk(node)
        if isinstance(part, ast.expr)
    }
    names = {last_name(call.func) for call in ast.walk(method) if isinstance(call, ast.Call)}
    return (awaited - {""}) if names & {"cancel", "close"} else set()


TASKS = [
    pytest.param(path, id=name)
    for name, path in modules()
    if (our_name(name) or "").split(".")[0] not in TASKLESS
]


OWNING = [
    pytest.param(path, id=name) for name, path in modules() if (our_name(name) or "").split(".")[0] in OWNERS
]


# ---------------------------------------------------------------- the house


@pytest.mark.parametrize("path", TASKS)
def test_every_task_belongs_to_a_group(path: Path) -> None:
    assert stray_tasks(path.read_text()) == []


@pytest.mark.parametrize("path", OWNING)
def test_every_task_that_outlives_its_call_has_an_owner_that_ends_it(path: Path) -> None:
    assert unowned_tasks(path.read_text()) == []


# ---------------------------------------------------------------- the checks can fail


@pytest.mark.parametrize(
    "source",
    [
        "asyncio.create_task(f())",
        "create_task(f())",
        "asyncio.get_running_loop().create_task(f())",
        "self._loop.create_task(f())",
        "asyncio.ensure_future(f())",
        "asyncio.gather(f(), g())",
        "async def f(tasks: asyncio.TaskGroup):\n    other.create_task(g())",
    ],
)
def test_a_stray_task_is_found(source: str) -> None:
    assert len(stray_tasks(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "async def f():\n    async with asyncio.TaskGroup() as tasks:\n        tasks.create_task(g())",
        "def f(tasks: asyncio.TaskGroup):\n    tasks.create_task(g())",
        "class A:\n    def tasks(self) -> TaskGroup: ...\n    def f(self): self.tasks.create_task(g())",
    ],
)
def test_a_task_of_a_group_is_not(source: str) -> None:
    assert stray_tasks(source) == []


STARTING = "class A:\n    def start(self):\n        "
ENDING = "\n    async def close(self):\n        "
ENDED = f"{ENDING}self.task.cancel()\n        await asyncio.wait([self.task])"


@pytest.mark.parametrize(
    "source",
    [
        f"{STARTING}loop.create_task(f(), name='f'){ENDED}",
        f"{STARTING}task = loop.create_task(f(), name='f'){ENDED}",
        f"{STARTING}self.task = loop.create_task(f()){ENDED}",
        f"{STARTING}self.other = loop.create_task(f(), name='f'){ENDED}",
        f"{STARTING}self.task = loop.create_task(f(), name='f')",
        f"{STARTING}self.task = loop.create_task(f(), name='f'){ENDING}self.task.cancel()",
        f"{STARTING}self.task = loop.create_task(f(), name='f'){ENDING}await self.task",
        f"{STARTING}self.task = loop.create_task(f(), name='f')" + ENDED.replace("close", "stop"),
        f"{STARTING}task = loop.create_task(f(), name='f')\n        self.others.add(task){ENDED}",
        f"{STARTING}asyncio.ensure_future(f())",
        f"{STARTING}self.tasks = TaskSet()",
        f"{STARTING}self.tasks = TaskSet(){ENDING}await self.client.close()",
        f"{STARTING}use(TaskSet()){ENDING}await self.tasks.close()",
        "def f():\n    loop.create_task(g(), name='g')",
    ],
)
def test_a_task_that_nobody_ends_is_found(source: str) -> None:
    assert len(unowned_tasks(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        f"{STARTING}self.task = loop.create_task(f(), name='f'){ENDED}",
        f"{STARTING}self.task: Task = loop.create_task(f(), name='f')" + ENDED.replace("close", "__aexit__"),
        f"{STARTING}task = loop.create_task(f(), name='f')\n        self.task.add(task){ENDED}",
        f"{STARTING}self.task.add(loop.create_task(f(), name='f')){ENDED}",
        f"{STARTING}self.tasks = TaskSet(){ENDING}await self.tasks.close()",
        f"{STARTING}self.tasks = TaskSet() if tasks is None else tasks",
        f"{STARTING}self.tasks = tasks\n        self.tasks.start(f(), 'f')",
        "async def f():\n    async with TaskGroup() as tasks:\n        tasks.create_task(g())",
    ],
)
def test_a_task_that_its_owner_ends_is_not(source: str) -> None:
    assert unowned_tasks(source) == []
