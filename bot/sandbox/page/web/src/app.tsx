import { useEffect, useState } from "react";

import { Lightbox, Toasts } from "./parts";
import { ABOUT, Avatar, ROLES, type Role } from "./people";
import { SlackPane } from "./slack/pane";
import type { SlackWorld } from "./slack/types";
import { TeamsPane } from "./teams/pane";
import type { TeamsWorld } from "./teams/types";
import { Zone } from "./time";
import { get, stream, useConnected } from "./wire";

type World = { slack: SlackWorld; teams: TeamsWorld };
const VIEWS = { both: "Both", slack: "Slack", teams: "Teams" } as const;
type View = keyof typeof VIEWS;
/** Pixels of width up to which one pane fills the screen; page.css has the same number. */
const PHONE = 700;

export function App() {
  return (
    <Toasts>
      <Lightbox>
        <Demo />
      </Lightbox>
    </Toasts>
  );
}

function Demo() {
  const [world, setWorld] = useState<World>();
  const [role, setRole] = useState<Role>("viewer");
  const [view, setView] = useState<View>(() => (window.innerWidth <= PHONE ? "slack" : "both"));
  const connected = useConnected();
  useEffect(() => stream.connect(), []);
  useEffect(() => {
    if (connected) void get<World>("people").then(setWorld, () => undefined);
  }, [connected]);

  return (
    <div className="page">
      <header className="top">
        <h1>
          <Avatar who="bot" size={28} /> batchbot <small>demo: a living Azure Batch account, in Slack and in Teams</small>
        </h1>
        <Choice
          label="You are"
          options={ROLES}
          chosen={role}
          onChoose={setRole}
          draw={(each) => (
            <>
              <Avatar who={each} size={20} round /> {each}
            </>
          )}
          about={(each) => `${each}: ${ABOUT[each]}`}
        />
        <Choice
          label="Show"
          options={Object.keys(VIEWS) as View[]}
          chosen={view}
          onChoose={setView}
          draw={(each) => VIEWS[each]}
        />
      </header>
      {!connected && world && (
        <p className="cut" role="alert">
          The demo is not reachable. Trying again…
        </p>
      )}
      <main className={`panes ${view}`}>
        {world && view !== "teams" && (
          <Zone value={world.slack.people.find((person) => person.role === role)?.tz}>
            <SlackPane role={role} world={world.slack} />
          </Zone>
        )}
        {world && view !== "slack" && (
          <Zone value={world.teams.zone}>
            <TeamsPane role={role} world={world.teams} />
          </Zone>
        )}
      </main>
    </div>
  );
}

function Choice<T extends string>(props: {
  label: string;
  options: readonly T[];
  chosen: T;
  onChoose: (option: T) => void;
  draw: (option: T) => React.ReactNode;
  about?: (option: T) => string;
}) {
  return (
    <fieldset className="choice" role="radiogroup" aria-label={props.label}>
      <span className="choice-label" aria-hidden="true">
        {props.label}
      </span>
      {props.options.map((option) => (
        <label key={option} className={option === props.chosen ? "on" : ""} title={props.about?.(option)}>
          <input
            type="radio"
            name={props.label}
            aria-label={option}
            checked={option === props.chosen}
            onChange={() => props.onChoose(option)}
          />
          {props.draw(option)}
        </label>
      ))}
    </fieldset>
  );
}
