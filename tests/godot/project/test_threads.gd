extends Suite
## Clients on several threads at once, each with its own.

const THREADS := 8
const REQUESTS := 60


# What all requests keep in common was changed by all threads at once.
func test_many_threads_send_at_once() -> void:
	var where := url
	var work := func() -> int:
		var pb := BosBase.new(where)
		var good := 0
		for number: int in REQUESTS:
			if number % 10 == 0:
				await BosBaseClock.sleep(0.001, [pb])
			good += 1 if await pb.health.check() is Dictionary else 0
		return good
	var threads: Array[Thread] = []
	for _number: int in THREADS:
		threads.append(Thread.new())
		threads[-1].start(work)
	var own := 0
	while threads.any(func(each: Thread) -> bool: return each.is_alive()):
		own += 1 if await client().health.check() is Dictionary else -1000000
	var good: Array = threads.map(func(each: Thread) -> int: return each.wait_to_finish())
	equal(good, good.map(func(_each: int) -> int: return REQUESTS))
	check(own > 0, "%d requests on the main thread" % own)
	equal([BosBaseExchange.pending(), BosBaseClock.sleeping()], [0, 0])


func test_what_is_kept_in_common_is_not_torn() -> void:
	var work := func() -> int:
		var slept := 0
		for _number: int in 3000:
			await BosBaseClock.sleep(0.0, [RefCounted.new()])
			slept += 1
		return slept
	var threads: Array[Thread] = []
	for _number: int in THREADS:
		threads.append(Thread.new())
		threads[-1].start(work)
	await until(
		func() -> bool: return not threads.any(func(each: Thread) -> bool: return each.is_alive()),
		"the threads"
	)
	for thread: Thread in threads:
		equal(thread.wait_to_finish(), 3000)
	equal(BosBaseClock.sleeping(), 0)
