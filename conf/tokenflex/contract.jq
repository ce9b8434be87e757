# contract.jq - the vendor's contract document as statements of grants, for `scrip reconcile`:
#
#   jq -r -f conf/tokenflex/contract.jq contract.json | scrip -c conf/tokenflex.ini reconcile - --as contract-document
#
# A row for each contract year's own pool, and one for the pool of all years as it stood at that year's end: the day behind
# its last one, or now, if that is earlier. The document's figures are snapshots, which the vendor says may not match usage.
def seen: [(.endDate[0:10] + "T00:00:00Z" | fromdate) + 86400, now] | min | floor | todate;
["contract", "grant", "seen", "provisioned", "consumed", "remaining"],
(. as $contract | .contractYears[] |
    [$contract.contractNumber, "current-year-\(.year)", seen, .provisionedTokens, .consumedTokens, .remainingTokens],
    [$contract.contractNumber, "multi-year", seen, $contract.multiyearProvisionedTokens,
     $contract.multiyearProvisionedTokens - .multiyearTokensAtStart + .multiyearConsumedTokens,
     .multiyearTokensAtStart - .multiyearConsumedTokens])
| @csv
