$scrip grant lab @NAME@ 100 --time 2022-01-01
$scrip charge lab WIDGET --amount 6 --currency @NAME@ --time 2022-01-02
found=$($scrip balance lab --as-of 2022-01-31 --format json | tr -d ' \n')
wanted='"expired":"94.00"' # after 30 days
