# SPDX-License-Identifier: MIT
# Prints functions of more than 70 lines: from a line "{" to a line "}", both in the first column.
/^{/ { start = FNR }
/^}/ && start {
	if (FNR - start - 1 > 70)
		print FILENAME ":" start ": " FNR - start - 1 " lines"
	start = 0
}
FNR == 1 { start = 0 }
