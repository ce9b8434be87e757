/* hash.h - hashes of a maintained library: a short one for tables and digests, a strong one for heads. */
#ifndef SCRIP_CORE_HASH_H
#define SCRIP_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Lets the library choose what suits the processor; without it everything works, slower. May be called again. */
void hash_start(void);

/* SipHash-2-4 under a fixed key: the same in every release and on every machine. */
uint64_t hash_short(const void *bytes, uint64_t size);

/* BLAKE2b, 32 or 16 bytes. */
#define HASH_SIZE 32
void hash_strong(const void *bytes, size_t size, uint8_t out[HASH_SIZE]);
void hash_key(const void *bytes, size_t size, uint8_t out[16]);
void hash_hex(const uint8_t *bytes, size_t size, char *out); /* 2 * size + 1 bytes */

/* HMAC-SHA256 of two texts, one behind the other, in hexadecimal: 65 bytes. */
#define HASH_SIGNATURE_SIZE 65
void hash_sign(const void *key, size_t key_size, const void *first, size_t first_size, const void *second,
               size_t second_size, char out[HASH_SIGNATURE_SIZE]);
void hash_forget(void *secret, size_t size); /* wipes it */

/* Of texts, eight bytes at a time; for tables in memory only. */
static inline uint64_t hash_text(const char *text, size_t size)
{
    uint64_t h = size * UINT64_C(0x9e3779b97f4a7c15), word;

    for (; size >= 8; size -= 8, text += 8) {
        memcpy(&word, text, 8);
        h = (h ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, text, size);
    h = (h ^ word) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 29);
}

/* Mixes of numbers, for tables in memory only. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (b * UINT64_C(0x9e3779b97f4a7c15))) * UINT64_C(0xbf58476d1ce4e5b9);

    x ^= x >> 29;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 32);
}

#endif
