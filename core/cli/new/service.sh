$scrip grant lab credits 100 --time 2022-01-01
$scrip charge lab WIDGET 4 --time 2022-01-02
found=$($scrip balance lab --as-of 2022-01-03 --format json | tr -d ' \n')
wanted='"available":"94.00"' # 4 x 1.50 of 100
