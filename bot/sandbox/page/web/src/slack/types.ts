import type { Json } from "../wire";

export type SlackPerson = { id: string; name: string; role: string; tz: string; is_bot: boolean };
export type Channel = {
  id: string;
  name: string;
  kind: "channel" | "im";
  members: string[];
  bot: boolean;
  person: string;
  archived: boolean;
};
export type SlackWorld = { people: SlackPerson[]; channels: Channel[] };

export type SlackMessage = {
  ts: string;
  user: string;
  name: string;
  text: string;
  blocks?: Json[];
  attachments?: Json[];
  files?: Json[];
  thread_ts?: string;
  reply_count?: number;
  edited?: Json;
  edits: number;
  ephemeral: boolean;
  error?: string;
};

/** Where blocks stand: a message, or a view. */
export type Place = { user: string } & ({ channel: string; ts: string } | { view: string; state?: State });

/** What is filled in in a modal, as far as it was touched. */
export type Given = string | number | string[] | null;
export type State = Record<string, Record<string, Given>>;

export type SlackView = {
  id: string;
  blocks: Json[];
  state: { values: Record<string, Record<string, Json>> };
  title: Json;
  submit?: Json | null;
  close?: Json | null;
  hash: string;
  errors: Record<string, string>;
};
