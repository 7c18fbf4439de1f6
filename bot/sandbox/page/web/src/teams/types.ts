import type { Json } from "../wire";

export type TeamsPerson = { id: string; name: string; role: string };
export type Conversation = {
  id: string;
  name: string;
  kind: "personal" | "channel" | "groupChat";
  title: string;
  members: string[];
  installed: boolean;
};
export type Refusal = { at: string; what: string; code: string; reason: string };
export type TeamsWorld = { people: TeamsPerson[]; conversations: Conversation[]; refused: Refusal[]; installing: boolean; zone: string };

export type Attachment = { contentType: string; name?: string; content?: Json; instead?: string };
export type TeamsMessage = {
  id: string;
  conversation: string;
  thread: string;
  from: string;
  at: string;
  text: string;
  textFormat: string;
  attachments: Attachment[];
  edited: boolean;
  deleted: boolean;
  only: string;
  problems: string[];
};
export type Dialog = { id: string; title?: string; card?: Json; url?: string; problems: string[] };

export const BOT = "Batch Bot";
