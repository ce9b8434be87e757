/* currency_decimals.c - a currency with more decimals than there are. */
#define NAME "currency_decimals"
#define DECIMALS 12
#include "broken_currency.h"
