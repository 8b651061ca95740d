import React, { useEffect, useMemo, useRef, useState } from 'react';
import { nanoid } from 'nanoid';

function Names({ id, list }) {
  const [names, setNames] = useState([]);
  const [open, setOpen] = useState(false);

  // ruleid: javascript.async-effect
  useEffect(async () => {
    setNames(await load(id));
  }, [id]);
  // ok: javascript.async-effect
  useEffect(() => {
    const run = async () => setNames(await load(id));
    run();
  }, [id]);

  // ruleid: javascript.effect-without-cleanup
  useEffect(() => {
    window.addEventListener('resize', measure);
  }, []);
  // ok: javascript.effect-without-cleanup
  useEffect(() => {
    window.addEventListener('resize', measure);
    return () => window.removeEventListener('resize', measure);
  }, []);
  // ruleid: javascript.effect-without-cleanup
  useEffect(() => {
    setInterval(() => poll(id), 1000);
  }, [id]);
  // ok: javascript.effect-without-cleanup
  useEffect(() => {
    const timer = setInterval(() => poll(id), 1000);
    return () => clearInterval(timer);
  }, [id]);

  function add(name) {
    names.push(name);
    // ruleid: javascript.state-changed-in-place
    setNames(names);
  }
  function addWell(name) {
    // ok: javascript.state-changed-in-place
    setNames([...names, name]);
  }
  function first(name) {
    names.unshift(name);
    // ruleid: javascript.state-changed-in-place
    setNames(names);
  }
  function order() {
    // ruleid: javascript.state-changed-in-place
    setNames(names.sort());
    // ok: javascript.state-changed-in-place
    setNames([...names].sort());
  }

  return (
    <ul>
      {list.map((x) => (
        // ruleid: javascript.random-key
        <li key={Math.random()}>{x.name}</li>
      ))}
      {list.map((x) => (
        // ok: javascript.random-key
        <li key={x.id}>{x.name}</li>
      ))}
      {/* ruleid: javascript.set-state-while-rendering */}
      <button onClick={setOpen(true)}>open</button>
      {/* ok: javascript.set-state-while-rendering */}
      <button onClick={() => setOpen(true)}>open</button>
      {/* ok: javascript.set-state-while-rendering */}
      <button onClick={add}>add</button>
    </ul>
  );
}

function Panel({ wide }) {
  if (wide) {
    // ruleid: javascript.hook-in-condition
    const [size, setSize] = useState(1);
    return <b>{size}</b>;
  }
  // ok: javascript.hook-in-condition
  const ref = useRef(null);
  return <i ref={ref} />;
}

if (process.env.LAZY) {
  module.exports = function Lazy() {
    // ok: javascript.hook-in-condition
    const [size] = useState(1);
    return <b>{size}</b>;
  };
}
