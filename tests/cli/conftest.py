# SPDX-License-Identifier: MIT
import signal

# A shell's background job ignores it, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
