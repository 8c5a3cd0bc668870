-- For wrk: many people, who ask in turn. BENCH_COOKIES names a file with the cookies of each on a line.
local requests = {}
local at = 0

function init()
  for cookie in io.lines(os.getenv('BENCH_COOKIES')) do
    wrk.headers['cookie'] = cookie
    requests[#requests + 1] = wrk.format()
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
