"""The commands, a file each."""

from headwater.cli.commands.check import check
from headwater.cli.commands.dead_letters import dead_letters
from headwater.cli.commands.get import get
from headwater.cli.commands.init import init
from headwater.cli.commands.push import push
from headwater.cli.commands.run import run
from headwater.cli.commands.status import status
from headwater.cli.commands.train import train

COMMANDS = (init, check, run, push, get, train, dead_letters, status)

__all__ = ["COMMANDS"]
