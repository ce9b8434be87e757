/* currency_takes.c - a currency that takes a part of each grant. */
#define NAME "currency_takes"
#define IS_TAKING
#include "broken_currency.h"
