$scrip grant lab credits 100 --time 2022-01-01
$scrip run
$scrip run # nothing counts twice
found=$($scrip balance lab --as-of 2022-01-03 --format json | tr -d ' \n')
wanted='"available":"91.50"' # 6.00 and 2.50 of 100
