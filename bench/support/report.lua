-- report.lua - lets wrk print its summary as one line of JSON. It has no request or response hook: those would cost
-- wrk more than the servers.
function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        'SUMMARY {"requests":%d,"us":%d,"p50":%.3f,"p90":%.3f,"p99":%.3f,"max":%.3f,' ..
        '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
        summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(90) / 1000,
        latency:percentile(99) / 1000, latency.max / 1000, e.connect, e.read, e.write, e.status, e.timeout))
end
