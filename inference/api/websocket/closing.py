"""Why the platform closes a socket: RFC 6455's codes where there is one, our own from 4400 on."""

from typing import Final

NORMAL: Final = 1000
UNSUPPORTED: Final = 1003  # a binary message
RESTARTING: Final = 1012  # this process ends; connect again

NOT_AUTHENTICATED: Final = 4401  # nobody said who they are, or they may not call any more
IDLE: Final = 4408
RESUMED: Final = 4409  # its generation goes on on another socket
TOO_MANY: Final = 4429  # its user has no room for one more
TOO_SLOW: Final = 4410  # took nothing for too long
