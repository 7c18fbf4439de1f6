export function clock(at: Date): string {
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function day(at: Date): string {
  const today = new Date();
  if (at.toDateString() === today.toDateString()) return "Today";
  return at.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}

export function whole(at: Date): string {
  return at.toLocaleString([], { dateStyle: "full", timeStyle: "medium" });
}
