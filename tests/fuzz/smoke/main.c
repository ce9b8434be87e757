/* main.c - a fuzz target as a plain program: files, then seeded mutations of them. Needs no fuzzer's runtime.
 *
 * usage: TARGET COUNT SEED FILE...
 */
#include "../fuzz.h"

#define SIZE_LIMIT 4096

static uint64_t state;

/* splitmix64 */
static uint64_t random_next(void)
{
    uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static size_t below(size_t limit)
{
    return limit ? (size_t)(random_next() % limit) : 0;
}

static size_t file_read(const char *path, uint8_t *out)
{
    FILE *in = fopen(path, "rb");
    size_t size;

    if (in == NULL) {
        perror(path);
        exit(2);
    }
    size = fread(out, 1, SIZE_LIMIT, in);
    fclose(in);
    return size;
}

/* Bytes that mean something to one of the parsers are put in more often than others. */
static uint8_t byte_next(void)
{
    static const char known[] = "\n\n\r\",;=.-+:[]{}\\/0123456789eETZPn \t\xff\xc3\xa9\x01";

    return (uint8_t)(below(4) ? known[below(sizeof known)] : (char)random_next());
}

static size_t mutate(uint8_t *bytes, size_t size, const uint8_t *other, size_t other_size)
{
    size_t at = below(size + 1), count = 1 + below(8);

    switch (below(5)) {
    case 0: /* other bytes */
        for (size_t i = at; i < size && i < at + count; i++)
            bytes[i] = byte_next();
        return size;
    case 1: /* fewer */
        count = count < size - at ? count : size - at;
        memmove(bytes + at, bytes + at + count, size - at - count);
        return size - count;
    case 2: /* a part again */
        other = bytes;
        other_size = size;
        /* fall through */
    case 3: { /* a part of another input */
        uint8_t part[64];
        size_t from = below(other_size);

        count = below(sizeof part);
        count = count < other_size - from ? count : other_size - from;
        if (size + count > SIZE_LIMIT)
            return size;
        memcpy(part, other + from, count);
        memmove(bytes + at + count, bytes + at, size - at);
        memcpy(bytes + at, part, count);
        return size + count;
    }
    default: /* one more */
        if (size == SIZE_LIMIT)
            return size;
        memmove(bytes + at + 1, bytes + at, size - at);
        bytes[at] = byte_next();
        return size + 1;
    }
}

int main(int argc, char **argv)
{
    static uint8_t bytes[SIZE_LIMIT], other[SIZE_LIMIT];
    uint64_t count, seed;

    if (argc < 4) {
        fprintf(stderr, "usage: %s COUNT SEED FILE...\n", argv[0]);
        return 2;
    }
    count = strtoull(argv[1], NULL, 10);
    seed = strtoull(argv[2], NULL, 10);
    for (int i = 3; i < argc; i++)
        LLVMFuzzerTestOneInput(bytes, file_read(argv[i], bytes));
    for (uint64_t i = 0; i < count; i++) {
        size_t size, other_size;

        state = seed + i;
        size = file_read(argv[3 + below((size_t)argc - 3)], bytes);
        other_size = file_read(argv[3 + below((size_t)argc - 3)], other);
        for (size_t n = 1 + below(12); n > 0; n--)
            size = mutate(bytes, size, other, other_size);
        LLVMFuzzerTestOneInput(bytes, size);
    }
    printf("%llu mutations of %d files from seed %llu\n", (unsigned long long)count, argc - 3,
           (unsigned long long)seed);
    return 0;
}
