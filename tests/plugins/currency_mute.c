/* currency_mute.c - a currency that refuses without a reason. */
#define NAME "currency_mute"
#define IS_MUTE
#include "broken_currency.h"
