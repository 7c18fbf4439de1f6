// Who is who. People are called by their role; nobody is made up.

export const ROLES = ["viewer", "operator", "admin", "second admin"] as const;
export type Role = (typeof ROLES)[number];

export const ABOUT: Record<Role, string> = {
  viewer: "may look at everything",
  operator: "may run and change work",
  admin: "may also approve and configure",
  "second admin": "the second person that careful changes ask for",
};

const LOOKS: Record<string, { letters: string; colour: string }> = {
  viewer: { letters: "V", colour: "#4a7c59" },
  operator: { letters: "O", colour: "#9a5b13" },
  admin: { letters: "A", colour: "#7a3e9d" },
  "second admin": { letters: "A2", colour: "#a83255" },
};

export function Avatar({ who, round = false, size = 36 }: { who: string; round?: boolean; size?: number }) {
  const look = LOOKS[who];
  const style = { width: size, height: size, borderRadius: round ? "50%" : size / 6, fontSize: size * 0.4 };
  if (who === "bot") {
    return (
      <span className="avatar bot" style={style} aria-hidden="true">
        <svg viewBox="0 0 32 32" width={size * 0.72} height={size * 0.72}>
          <rect x="4" y="17" width="6" height="10" rx="1.2" />
          <rect x="13" y="11" width="6" height="16" rx="1.2" />
          <rect x="22" y="5" width="6" height="22" rx="1.2" />
        </svg>
      </span>
    );
  }
  if (who === "chat") {
    return (
      <span className="avatar" style={{ ...style, background: "#6264a7" }} aria-hidden="true">
        <svg viewBox="0 0 32 32" width={size * 0.66} height={size * 0.66} fill="#fff">
          <circle cx="12" cy="11" r="5" />
          <path d="M3 26c0-6 4-9 9-9s9 3 9 9z" />
          <circle cx="23" cy="12.5" r="3.8" />
          <path d="M23.5 26H29c0-5-2.5-8-6.5-8-.8 0-1.6.1-2.3.4 2 1.7 3.3 4.3 3.3 7.6z" />
        </svg>
      </span>
    );
  }
  return (
    <span className="avatar" style={{ ...style, background: look?.colour ?? "#5d5d66" }} aria-hidden="true">
      {look?.letters ?? "!"}
    </span>
  );
}
