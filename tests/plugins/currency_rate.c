/* currency_rate.c - a currency with a rate for nothing. */
#define NAME "currency_rate"
#define PER 0
#include "broken_currency.h"
