@tool
class_name BosBaseRequestBody
extends RefCounted
## The bytes of a request, in memory or read from disk while they are sent.

## How many there are.
var length: int
## The type that the request declares.
var content_type: String
## Whether it is [code]multipart/form-data[/code].
var is_multipart: bool
## Why a part could not be opened or read; [code]""[/code] while all is well.
var problem: String

# PackedByteArray, or {path, length} of a file, in order.
var _parts: Array = []
var _next_part: int
# How much of the next part is read.
var _offset: int
var _file: FileAccess


## A body of [param p_value] as JSON.
static func json(p_value: Variant) -> BosBaseRequestBody:
	var made: BosBaseRequestBody = BosBaseRequestBody.new()
	made.content_type = "application/json"
	made._add_bytes(_json(p_value).to_utf8_buffer())
	return made


## A body that can't be sent.
static func wrong(p_problem: String) -> BosBaseRequestBody:
	var made: BosBaseRequestBody = BosBaseRequestBody.new()
	made.problem = p_problem
	return made


## A body of bytes as they are.
static func raw(p_bytes: PackedByteArray) -> BosBaseRequestBody:
	var made: BosBaseRequestBody = BosBaseRequestBody.new()
	made.content_type = "application/octet-stream"
	made._add_bytes(p_bytes)
	return made


## A [code]multipart/form-data[/code] body: [param p_files] are [code][field, BosBaseFile][/code],
## [param p_values] what is not a file, sent as one JSON part, which keeps its types.
static func multipart(p_values: Dictionary, p_files: Array[Array]) -> BosBaseRequestBody:
	var made: BosBaseRequestBody = BosBaseRequestBody.new()
	made.is_multipart = true
	var boundary: String = "bosbase-" + Crypto.new().generate_random_bytes(16).hex_encode()
	made.content_type = "multipart/form-data; boundary=" + boundary
	var head: String = ""
	if not p_values.is_empty():
		head += '--%s\r\nContent-Disposition: form-data; name="@jsonPayload"\r\n' % boundary
		head += "Content-Type: application/json\r\n\r\n%s\r\n" % _json(p_values)
	for entry: Array in p_files:
		var file: BosBaseFile = entry[1]
		head += "--%s\r\n" % boundary
		head += (
			'Content-Disposition: form-data; name="%s"; filename="%s"\r\n'
			% [_quoted(str(entry[0])), _quoted(file.filename)]
		)
		head += "Content-Type: %s\r\n\r\n" % file.content_type.replace("\r", "").replace("\n", "")
		made._add_bytes(head.to_utf8_buffer())
		if file.path.is_empty():
			made._add_bytes(file.data)
		else:
			made._add_file(file.path)
		head = "\r\n"
	made._add_bytes((head + "--%s--\r\n" % boundary).to_utf8_buffer())
	return made


## The next bytes, at most [param p_most]; none at the end, or when there is a [member problem].
func read(p_most: int) -> PackedByteArray:
	while problem.is_empty() and _next_part < _parts.size():
		var part: Variant = _parts[_next_part]
		var bytes: PackedByteArray
		if part is Dictionary:
			bytes = _read_file(BosBaseValue.dictionary(part), p_most)
		else:
			bytes = BosBaseValue.bytes(part).slice(_offset, _offset + p_most)
		if not bytes.is_empty():
			_offset += bytes.size()
			return bytes
		_next_part += 1
		_offset = 0
		_file = null
	return PackedByteArray()


## All of it at once.
func read_all() -> PackedByteArray:
	var all: PackedByteArray = PackedByteArray()
	while true:
		var bytes: PackedByteArray = read(1 << 20)
		if bytes.is_empty():
			break
		all.append_array(bytes)
	return all


func _add_bytes(p_bytes: PackedByteArray) -> void:
	_parts.append(p_bytes)
	length += p_bytes.size()


func _add_file(p_path: String) -> void:
	var file: FileAccess = FileAccess.open(p_path, FileAccess.READ)
	if file == null:
		problem = "Cannot read %s: %s." % [p_path, error_string(FileAccess.get_open_error())]
		return
	_parts.append({"path": p_path, "length": file.get_length()})
	length += file.get_length()


func _read_file(p_part: Dictionary, p_most: int) -> PackedByteArray:
	var path: String = p_part["path"]
	var left: int = p_part["length"] - _offset
	if left == 0:
		return PackedByteArray()
	if _file == null:
		_file = FileAccess.open(path, FileAccess.READ)
	if _file == null:
		problem = "Cannot read %s: %s." % [path, error_string(FileAccess.get_open_error())]
		return PackedByteArray()
	var bytes: PackedByteArray = _file.get_buffer(mini(p_most, left))
	if bytes.is_empty():
		problem = "%s became shorter while it was sent." % path
	return bytes


# In the order that the caller chose, and with all digits that a number has.
static func _json(p_value: Variant) -> String:
	return JSON.stringify(_counted(p_value, []), "", false, true)


# Godot reads every number as a float. A server that counts with it takes 600, not 600.0: without
# this, what it answered could not be sent back.
static func _counted(p_value: Variant, p_within: Array) -> Variant:
	if p_value is float:
		var number: float = p_value
		var is_whole: bool = absf(number) < 9007199254740992.0 and floorf(number) == number
		return int(number) if is_whole else p_value
	# What holds itself is refused by who writes it.
	for around: Variant in p_within:
		if is_same(around, p_value):
			return p_value
	if p_value is Dictionary:
		var from: Dictionary = p_value
		var to: Dictionary = {}
		for key: Variant in from:
			to[key] = _counted(from[key], p_within + [p_value])
		return to
	if p_value is Array:
		var items: Array = p_value
		var all: Array = []
		for item: Variant in items:
			all.append(_counted(item, p_within + [p_value]))
		return all
	return p_value


# As browsers do it: what would end the quotes or the line is percent-encoded.
static func _quoted(p_name: String) -> String:
	return p_name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
