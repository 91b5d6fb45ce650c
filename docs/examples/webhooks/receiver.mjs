// A receiver of webhooks without any package: checks the signature, drops repetitions, and answers at once.
//
//     TINGQING_WEBHOOK_SECRET=whsec_… node receiver.mjs 9000

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secret = Buffer.from(process.env.TINGQING_WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE_S = 300;
const seen = new Set(); // in a database, for a day and more: the same id may come again

/** Whether one of the signatures is ours (Standard Webhooks: HMAC-SHA-256 over id, time and body). */
function verified(headers, body) {
  const id = headers["webhook-id"], time = headers["webhook-timestamp"], signatures = headers["webhook-signature"];
  if (!id || !time || !signatures || !(Math.abs(Date.now() / 1000 - Number(time)) <= TOLERANCE_S)) return false;
  const expected = createHmac("sha256", secret).update(`${id}.${time}.`).update(body).digest();
  return signatures.split(" ").some((one) => {
    const [version, text = ""] = one.split(",");
    const given = Buffer.from(text, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function handle(event) {
  if (event.type === "assessment.rejected") {
    const sentence = event.data.prompts.find((prompt) => prompt.zh)?.zh ?? "请重新录一次。";
    console.log(`SMS for ${event.data.reference}: ${sentence}`);
  } else {
    console.log(event.type, event.data.id ?? event.data.session_id);
  }
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (!verified(request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  const id = request.headers["webhook-id"];
  if (!seen.has(id)) {
    seen.add(id);
    handle(JSON.parse(body.toString()));
  }
  response.writeHead(204).end();
});

server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
