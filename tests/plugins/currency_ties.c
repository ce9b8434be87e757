/* currency_ties.c - a currency whose order keys leave the id out. */
#define NAME "currency_ties"
#define IS_TIED
#include "broken_currency.h"
