import type { ReactNode } from 'react';

function Icon({ children, size = 18 }: { readonly children: ReactNode; readonly size?: number }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export function Mark({ size = 28 }: { readonly size?: number }) {
  return <img src="/icon.svg" width={size} height={size} alt="" />;
}

export const Plus = () => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
);

export const Close = () => (
  <Icon size={20}>
    <path d="M6 6l12 12M18 6L6 18" />
  </Icon>
);

export const Pulse = () => (
  <Icon>
    <path d="M3 12h4l3-7 4 14 3-7h4" />
  </Icon>
);

export const Bubble = () => (
  <Icon size={15}>
    <path d="M5 5h14a1.5 1.5 0 0 1 1.5 1.500v8A1.5 1.5 0 0 1 19 16h-7l-5 4v-4H5a1.5 1.5 0 0 1-1.5-1.500v-8A1.5 1.5 0 0 1 5 5z" />
  </Icon>
);

export const Calendar = () => (
  <Icon size={15}>
    <rect x="4" y="5.5" width="16" height="15" rx="2.5" />
    <path d="M4 10.500h16M8.5 3v4M15.5 3v4" />
  </Icon>
);

export const Hourglass = () => (
  <Icon size={15}>
    <circle cx="12" cy="12.5" r="8" />
    <path d="M12 8v4.500l3 2" />
  </Icon>
);

export const Flag = () => (
  <Icon size={15}>
    <path d="M6 21V4h11l-2.5 4L17 12H6" />
  </Icon>
);

export const Bin = () => (
  <Icon>
    <path d="M5 7h14M10 4h4M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5" />
  </Icon>
);

export const Check = () => (
  <Icon size={15}>
    <path d="M5 12.500l4.5 4.500L19 7.5" />
  </Icon>
);
