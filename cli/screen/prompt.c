// SPDX-License-Identifier: MIT
/* prompt.c - a line that is typed */
#include <string.h>

#include "screen/keys.h"
#include "screen/prompt.h"

void prompt_begin(struct prompt *prompt, const char *text)
{
	prompt->length = strnlen(text, PROMPT_SIZE - 1);
	memcpy(prompt->text, text, prompt->length);
	prompt->text[prompt->length] = '\0';
}

/* All bytes of a UTF-8 character. */
static void delete_character(struct prompt *prompt)
{
	do
		prompt->length--;
	while (prompt->length && ((unsigned char)prompt->text[prompt->length] & 0xc0) == 0x80);
}

bool prompt_type(struct prompt *prompt, int byte)
{
	if (byte == K_KILL) {
		prompt->length = 0;
	} else if (byte == K_RUBOUT) {
		if (prompt->length)
			delete_character(prompt);
	} else if (byte >= ' ' && byte <= 0xff && byte != 0x7f && prompt->length + 1 < PROMPT_SIZE) {
		prompt->text[prompt->length++] = (char)byte;
	} else {
		return false;
	}
	prompt->text[prompt->length] = '\0';
	return true;
}
