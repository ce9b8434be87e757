/* currency_backwards.c - a currency whose grants end as they begin. */
#define NAME "currency_backwards"
#define IS_BACKWARDS
#include "broken_currency.h"
