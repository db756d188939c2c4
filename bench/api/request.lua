-- request.lua - what wrk asks for in bench/api.mjs: a row, fifty, one more; and its summary.
dofile(os.getenv('DOWEL_BENCH_REPORT'))

local rows = tonumber(os.getenv('DOWEL_BENCH_ROWS'))
local what = os.getenv('DOWEL_BENCH_ASK')
local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set('number', threads)
end

function init()
    math.randomseed(number)
    wrk.headers['Authorization'] = 'Bearer ' .. os.getenv('DOWEL_BENCH_TOKEN')
    if what == 'insert' then
        wrk.method = 'POST'
        wrk.path = '/api/v1/things'
        wrk.headers['Content-Type'] = 'application/json'
        wrk.body = os.getenv('DOWEL_BENCH_BODY')
        insert = wrk.format()
    end
end

function request()
    if what == 'insert' then return insert end
    if what == 'list' then return wrk.format(nil, '/api/v1/things?after=' .. math.random(rows - 50)) end
    return wrk.format(nil, '/api/v1/things/' .. math.random(rows))
end
