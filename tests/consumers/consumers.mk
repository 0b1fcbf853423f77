# SPDX-License-Identifier: MIT
# The files of templates/ in the real systems that they are for, those that are installed: minutes, and no part of `make check`.
.PHONY: check-consumers
check-consumers: all templates
	$(Q)TEMPLATES=$(abspath $(O)/templates) BUILD=$(abspath $(O)) PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m pytest -ra -p no:cacheprovider tests/consumers
