case $found in
*"$wanted"*) echo "@NAME@: as it should be" ;;
*) echo "@NAME@: found $found, wanted $wanted" >&2; exit 1 ;;
esac
$scrip verify
