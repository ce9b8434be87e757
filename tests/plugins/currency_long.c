/* currency_long.c - a currency whose order keys are longer than there is room for. */
#define NAME "currency_long"
#define IS_LONG
#include "broken_currency.h"
