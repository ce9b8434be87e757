/* varint.h - whole numbers as few bytes: 7 bits a byte, lowest first; a sign as the lowest bit. */
#ifndef SCRIP_CORE_VARINT_H
#define SCRIP_CORE_VARINT_H

#include "event.h"

static inline void varint_add(struct bytes *out, uint64_t number)
{
    uint8_t digits[10];
    size_t size = 0;

    do
        digits[size++] = (uint8_t)((number & 127) | (number > 127 ? 128 : 0));
    while ((number >>= 7) != 0);
    bytes_add(out, digits, size);
}

static inline void varint_add_signed(struct bytes *out, int64_t number)
{
    varint_add(out, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
}

/* Bytes that are read one number after the other. */
struct varints {
    const uint8_t *at, *end;
};

/* 0: they end within it. */
static inline int varint_get(struct varints *in, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; in->at < in->end && shift < 64; shift += 7) {
        *out |= (uint64_t)(*in->at & 127) << shift;
        if (!(*in->at++ & 128))
            return 1;
    }
    return 0;
}

static inline int varint_get_signed(struct varints *in, int64_t *out)
{
    uint64_t number = 0;
    int is_there = varint_get(in, &number);

    *out = (int64_t)(number >> 1 ^ (0 - (number & 1)));
    return is_there;
}

#endif
