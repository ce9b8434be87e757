/* hash.c - the only file that knows the hashing library. */
#include "hash.h"

#include <sodium.h>
#include <string.h>

void hash_start(void)
{
    if (sodium_init() < 0)
        return; /* it has no randomness, of which nothing here needs any: the plain code serves as well */
}

uint64_t hash_short(const void *bytes, uint64_t size)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "scrip short hash";
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t value = 0;

    crypto_shorthash(out, bytes, size, key);
    for (int i = 7; i >= 0; i--)
        value = value << 8 | out[i];
    return value;
}

void hash_strong(const void *bytes, size_t size, uint8_t out[HASH_SIZE])
{
    crypto_generichash(out, HASH_SIZE, bytes, size, NULL, 0);
}

void hash_key(const void *bytes, size_t size, uint8_t out[16])
{
    crypto_generichash(out, 16, bytes, size, NULL, 0);
}

void hash_hex(const uint8_t *bytes, size_t size, char *out)
{
    sodium_bin2hex(out, 2 * size + 1, bytes, size);
}

void hash_sign(const void *key, size_t key_size, const void *first, size_t first_size, const void *second,
               size_t second_size, char out[HASH_SIGNATURE_SIZE])
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256_init(&state, key, key_size);
    crypto_auth_hmacsha256_update(&state, first, first_size);
    crypto_auth_hmacsha256_update(&state, second, second_size);
    crypto_auth_hmacsha256_final(&state, mac);
    hash_hex(mac, sizeof mac, out);
}

void hash_forget(void *secret, size_t size)
{
    sodium_memzero(secret, size);
}
