@tool
class_name BosBaseHealthService
extends BosBaseService
## Whether the server is there.


## [code]{code, message, data}[/code]; superusers find [code]canBackup[/code] in [code]data[/code].
func check(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send("GET", "/api/health", p_options)
	_whole(result, ["code"])
	return result
