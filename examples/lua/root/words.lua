-- Counts the words of a text, and tells the most frequent ones. Arguments: the text, and how many words.
local path = arg[1] or "/text"
local most = tonumber(arg[2] or 3)

-- The words of a text, one after another.
local function words(lines)
  return coroutine.wrap(function()
    for line in lines do
      for word in line:lower():gmatch("%a+") do coroutine.yield(word) end
    end
  end)
end

local counts, all = {}, 0
for word in words(assert(io.open(path)):lines()) do
  counts[word] = (counts[word] or 0) + 1
  all = all + 1
end

local ranked = {}
for word in pairs(counts) do ranked[#ranked + 1] = word end
table.sort(ranked, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)

-- The report goes by way of a file in memory, as a larger one would.
local report = os.tmpname()
local file = assert(io.open(report, "w"))
for rank = 1, math.min(most, #ranked) do
  local word = ranked[rank]
  file:write(("%d. %-5s %2d times, %4.1f %%\n"):format(rank, word, counts[word], 100 * counts[word] / all))
end
file:close()

print(("%s: %d words, %d of them different, counted by %s"):format(path, all, #ranked, _VERSION))
for line in io.lines(report) do print(line) end
os.remove(report)
