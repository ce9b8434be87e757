-- @NAME@.lua - what a usage costs. README, "Prices in Lua", says what event has and what may be answered.
-- Exact decimals are texts; a Lua number such as 1.5 is refused. To calculate: rate = rate * decimal "0.8".
local rates = { WIDGET = decimal "1.50" }

function quote(event)
  local rate = rates[event.product]
  if not rate then return nil end -- another service may have a price
  return { currency = settings.currency, rate = rate, label = event.product }
end
