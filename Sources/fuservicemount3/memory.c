// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The program's memory: malloc(3) and its kin over a fixed piece of the program itself. A mount takes
// less than it has, so no step of one can fail for want of memory that the kernel would have to give,
// which Swift cannot catch and which would come between attaching a mount and checking it; and it takes
// no system call. What does not fit, such as a mount table of thousands of entries, is mapped.
//
// Every block is a power of two long and has a header before it; what is released is kept for the next
// of its length. The program has one thread.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

// Tests are built with glibc, which has its own.
#if !defined(__GLIBC__)

enum { SMALLEST = 5, LARGEST = 20, ALIGNMENT = 16, PAGE = 4096 };

// What a header says of its block. Anything else is a block that is not ours, or released twice.
enum { TAKEN = 0x6b617400, RELEASED = 0x6c657200, MAPPED = 0x70616d00 };

struct block {
	size_t length;
	size_t state;
};

_Static_assert(sizeof(struct block) == ALIGNMENT, "what follows the header is aligned");

static _Alignas(ALIGNMENT) unsigned char memory[4 << 20];
static size_t used;
static struct block *released[LARGEST + 1];

static void *content(struct block *block) { return block + 1; }

// A released block's content is the next one of its length.
static struct block **next(struct block *block) { return content(block); }

static void *map(size_t length)
{
	struct block *block;

	length = (length + PAGE - 1) & ~(size_t)(PAGE - 1);
	block = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED)
		return NULL;
	block->length = length;
	block->state = MAPPED;
	return content(block);
}

void *malloc(size_t size)
{
	unsigned order = SMALLEST;
	struct block *block;
	size_t length;

	if (size > PTRDIFF_MAX - PAGE) {
		errno = ENOMEM;
		return NULL;
	}
	length = size + sizeof *block;
	while (order <= LARGEST && (size_t)1 << order < length)
		order++;
	if (order > LARGEST)
		return map(length);
	block = released[order];
	if (block) {
		released[order] = *next(block);
	} else {
		if (sizeof memory - used < (size_t)1 << order)
			return map(length);
		block = (struct block *)(memory + used);
		used += (size_t)1 << order;
		block->length = order;
	}
	block->state = TAKEN;
	return content(block);
}

void free(void *pointer)
{
	struct block *block = (struct block *)pointer - 1;

	if (!pointer)
		return;
	switch (block->state) {
	case TAKEN:
		block->state = RELEASED;
		*next(block) = released[block->length];
		released[block->length] = block;
		break;
	case MAPPED:
		munmap(block, block->length);
		break;
	default:
		__builtin_trap();
	}
}

void *calloc(size_t count, size_t size)
{
	size_t length;
	unsigned char *bytes;

	if (__builtin_mul_overflow(count, size, &length)) {
		errno = ENOMEM;
		return NULL;
	}
	bytes = malloc(length);
	// Not by memset(3), of which the compiler would make a call of this very function.
	for (size_t i = 0; bytes && i < length; i++)
		((volatile unsigned char *)bytes)[i] = 0;
	return bytes;
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	if (alignment > ALIGNMENT)
		return EINVAL;
	*result = malloc(size);
	return *result ? 0 : ENOMEM;
}

#endif
