-- For wrk: many people, who ask in turn. BENCH_COOKIES names a file with the cookies of each on a line; before a tab, the host.
local requests = {}
local at = 0

function init()
  for line in io.lines(os.getenv('BENCH_COOKIES')) do
    local host, cookie = line:match('^([^\t]+)\t(.*)$')
    if host then wrk.headers['Host'] = host end
    wrk.headers['cookie'] = cookie or line
    requests[#requests + 1] = wrk.format()
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
