"""The streams that carry a conversation one after the other, and what becomes of it while none does.

line         one stream: what is read and written there   carriage     which of them carries it
lifetime     how long one may last, and when to leave it   parking      while none does
resumption   with what a caller comes back                restoring    a conversation that another server had
"""
