$scrip grant lab credits 100 --time 2022-01-01
$scrip charge lab WIDGET --amount 6 --currency credits --time 2022-01-02
$scrip run
found=$(cat @NAME@.md)
wanted='|6.00|'
