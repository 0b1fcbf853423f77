# SPDX-License-Identifier: MIT
# The files for consumers without the consumers, in seconds: what is in them, and that another OID_ROOT changes it.
.PHONY: check-templates
check-templates: templates
	$(Q)$(MAKE) -s O=$(O)/tests/other-root OID_ROOT=1.3.6.1.3.77 templates
	$(Q)TEMPLATES=$(abspath $(O)/templates) OTHER=$(abspath $(O)/tests/other-root/templates) PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m pytest -q -rfEs -p no:cacheprovider tests/templates
