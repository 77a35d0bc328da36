import { type KeyboardEvent, useId, useState } from 'react';

interface DraftProps {
  readonly label: string;
  /** As the server has it. */
  readonly value: string;
  readonly className: string;
  readonly placeholder?: string;
  readonly isRequired?: boolean;
  readonly isReadOnly: boolean;
  onSave(text: string): void;
}

/**
 * A text that is edited in place: saved when it is left, or by Enter where it is one line
 * (`isRequired`); Escape gives up. Until it is touched it follows the server.
 */
export function Draft({ label, value, className, placeholder, isRequired, isReadOnly, onSave }: DraftProps) {
  const id = useId();
  const [draft, setDraft] = useState<string>();
  const leave = () => {
    const text = draft?.trim();
    setDraft(undefined);
    if (text === undefined || text === value || (isRequired && text === '')) return;
    onSave(text);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Escape') {
      event.preventDefault();
      setDraft(undefined);
      event.currentTarget.blur();
    }
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
    if (!isRequired && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    event.currentTarget.blur();
  };
  return (
    <div className={`draft ${className}`}>
      <label htmlFor={id} className={isRequired ? 'unseen' : undefined}>
        {label}
      </label>
      <textarea
        id={id}
        rows={1}
        value={draft ?? value}
        placeholder={placeholder}
        readOnly={isReadOnly}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={leave}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}
