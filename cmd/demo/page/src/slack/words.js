// How Slack says that something did not work.

// silence says that the app did not answer an interaction; "" if it did.
export function silence(answer) {
  if (answer.acked) return "";
  return answer.connection === 0 ? "ecs-stop is not connected. Try again in a moment." : "ecs-stop did not answer in time. Try again.";
}

export const refusal = (error) => error.message.replace(/^slacksim: /, "");
