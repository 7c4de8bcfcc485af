import { createServer } from "node:net";

/** A mail server that takes everything and keeps what it took. */
export async function mailServer() {
    const taken = [];
    const server = createServer((socket) => {
        socket.setEncoding("utf8");
        socket.on("error", () => {});
        let [mail, inData, rest] = ["", false, ""];
        socket.write("220 test\r\n");
        socket.on("data", (text) => {
            rest += text;
            for (let end; (end = rest.indexOf("\r\n")) >= 0; rest = rest.slice(end + 2)) {
                const line = rest.slice(0, end);
                if (inData && line === ".") {
                    inData = false;
                    taken.push(mail);
                    socket.write("250 taken\r\n");
                } else if (inData) mail += `${line}\n`;
                else if (line === "DATA") {
                    inData = true;
                    socket.write("354 go on\r\n");
                } else if (line === "QUIT") socket.end("221 bye\r\n");
                else socket.write("250 ok\r\n");
            }
        });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { taken, port: server.address().port, close: () => server.close() };
}
