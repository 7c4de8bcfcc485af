class_name Wire
extends RefCounted
## A server that answers with bytes as they are told: what a real server never says, or says by TLS.

var url: String
## The heads of the requests, and how many bytes came in all.
var said: String
var received: int

var _server := TCPServer.new()
var _answer: PackedByteArray
var _after: int
var _tls: TLSOptions
var _lines: Array[Line] = []


## Answers each request that brings `p_after` bytes with `p_answer` and hangs up; with nothing it stays silent.
func _init(p_answer: String, p_after: int = 1, p_tls: TLSOptions = null) -> void:
	_answer = p_answer.to_utf8_buffer()
	_after = p_after
	_tls = p_tls
	_server.listen(0, "127.0.0.1")
	var scheme := "http" if p_tls == null else "https"
	url = "%s://127.0.0.1:%d" % [scheme, _server.get_local_port()]
	(Engine.get_main_loop() as SceneTree).process_frame.connect(_turn)


func stop() -> void:
	(Engine.get_main_loop() as SceneTree).process_frame.disconnect(_turn)
	_server.stop()
	_lines.clear()


func _turn() -> void:
	if _server.is_connection_available():
		_lines.append(Line.new(_server.take_connection(), _tls))
	for line: Line in _lines.duplicate():
		var bytes := line.read()
		line.received += bytes.size()
		received += bytes.size()
		if said.length() < 4000:
			said += bytes.get_string_from_ascii()
		if _answer.is_empty() or line.received < _after:
			continue
		line.peer.put_data(_answer)
		line.hang_up()
		_lines.erase(line)


class Line:
	extends RefCounted
	## One connection.

	var peer: StreamPeer
	var received: int
	var _tcp: StreamPeerTCP

	func _init(p_tcp: StreamPeerTCP, p_tls: TLSOptions) -> void:
		_tcp = p_tcp
		peer = p_tcp
		if p_tls != null:
			var secure := StreamPeerTLS.new()
			secure.accept_stream(p_tcp, p_tls)
			peer = secure

	func read() -> PackedByteArray:
		if peer is StreamPeerTLS:
			var secure: StreamPeerTLS = peer
			if (
				secure.get_status()
				in [StreamPeerTLS.STATUS_HANDSHAKING, StreamPeerTLS.STATUS_CONNECTED]
			):
				secure.poll()
			if secure.get_status() != StreamPeerTLS.STATUS_CONNECTED:
				return PackedByteArray()
			return secure.get_partial_data(1 << 20)[1]
		_tcp.poll()
		if _tcp.get_status() != StreamPeerTCP.STATUS_CONNECTED or _tcp.get_available_bytes() <= 0:
			return PackedByteArray()
		return _tcp.get_partial_data(1 << 20)[1]

	func hang_up() -> void:
		if peer is StreamPeerTLS:
			(peer as StreamPeerTLS).disconnect_from_stream()
		_tcp.disconnect_from_host()
