@tool
class_name BosBaseFile
extends RefCounted
## A file to send: bytes in memory, or a file on disk that is read while it is sent.
##
## Put it where a record's file field is: [code]create({"title": "x", "cover":
## BosBaseFile.from_path("res://cover.png")})[/code].

const _TYPES: Dictionary = {
	"avif": "image/avif",
	"csv": "text/csv",
	"gif": "image/gif",
	"glb": "model/gltf-binary",
	"jpeg": "image/jpeg",
	"jpg": "image/jpeg",
	"json": "application/json",
	"mp3": "audio/mpeg",
	"mp4": "video/mp4",
	"ogg": "audio/ogg",
	"pdf": "application/pdf",
	"png": "image/png",
	"svg": "image/svg+xml",
	"txt": "text/plain",
	"wav": "audio/wav",
	"webm": "video/webm",
	"webp": "image/webp",
	"zip": "application/zip",
}

## The name that the server is told.
var filename: String
## Its MIME type.
var content_type: String
## The bytes, when they are in memory.
var data: PackedByteArray
## Where the bytes are, when they are on disk; else [code]""[/code].
var path: String


## A file of bytes in memory. Without a type it is told from the name.
static func from_bytes(
	p_filename: String, p_data: PackedByteArray, p_content_type: String = ""
) -> BosBaseFile:
	var made: BosBaseFile = BosBaseFile.new()
	made.filename = p_filename
	made.data = p_data
	made.content_type = p_content_type if not p_content_type.is_empty() else type_of(p_filename)
	return made


## A file on disk, which need not fit into memory. It must not change while it is sent.
static func from_path(
	p_path: String, p_filename: String = "", p_content_type: String = ""
) -> BosBaseFile:
	var name: String = p_filename if not p_filename.is_empty() else p_path.get_file()
	var made: BosBaseFile = from_bytes(name, PackedByteArray(), p_content_type)
	made.path = p_path
	return made


## What [param p_value] is as a file: itself, or of [code]{filename, content_type?, data |
## path}[/code], or of bytes; else [code]null[/code].
static func from_value(p_value: Variant, p_name: String) -> BosBaseFile:
	if p_value is BosBaseFile:
		return p_value
	if p_value is PackedByteArray:
		return from_bytes(p_name, BosBaseValue.bytes(p_value))
	if not p_value is Dictionary:
		return null
	var told: Dictionary = p_value
	var type: String = str(told.get("content_type", ""))
	if told.get("data") is PackedByteArray:
		return from_bytes(str(told.get("filename", p_name)), BosBaseValue.bytes(told["data"]), type)
	if told.get("path") is String:
		return from_path(BosBaseValue.text(told["path"]), str(told.get("filename", "")), type)
	return null


## The MIME type that a file name's ending stands for.
static func type_of(p_filename: String) -> String:
	return _TYPES.get(p_filename.get_extension().to_lower(), "application/octet-stream")
