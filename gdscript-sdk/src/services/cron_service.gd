@tool
class_name BosBaseCronService
extends BosBaseService
## What the server does at certain times. For superusers only.


## Every job: [code]{id, expression}[/code].
func get_full_list(p_options: Dictionary = {}) -> Variant:
	return await _send_for_list("/api/crons", p_options)


## Runs a job now, in the background; answers [code]true[/code].
func run(p_id: String, p_options: Dictionary = {}) -> Variant:
	return await _do("POST", "/api/crons/" + p_id.uri_encode(), p_options)
