"""The demo's data: a bank's phone campaign, in the shape of UCI's Bank Marketing set.

The rows are drawn at random with a fixed seed; columns, values and rough frequencies
are those of the data set, and the answer depends on the columns it depends on there.

Source: Moro, Rita, Cortez: "Bank Marketing", UCI Machine Learning Repository.
"""

import numpy as np
import numpy.typing as npt

JOBS = {
    "blue-collar": (0.215, -0.3),
    "management": (0.209, 0.1),
    "technician": (0.168, 0.0),
    "admin.": (0.114, 0.05),
    "services": (0.092, -0.2),
    "retired": (0.050, 0.6),
    "self-employed": (0.035, -0.1),
    "entrepreneur": (0.033, -0.3),
    "unemployed": (0.029, 0.1),
    "housemaid": (0.027, -0.3),
    "student": (0.021, 0.8),
    "unknown": (0.007, 0.0),
}  # each value with its share of the rows and what it adds to the log-odds of yes
MARITAL = {"married": (0.602, -0.1), "single": (0.283, 0.2), "divorced": (0.115, 0.1)}
EDUCATION = {
    "secondary": (0.513, 0.0),
    "tertiary": (0.294, 0.3),
    "primary": (0.152, -0.2),
    "unknown": (0.041, 0.1),
}
CONTACT = {
    "cellular": (0.648, 0.2),
    "unknown": (0.288, -1.2),
    "telephone": (0.064, 0.1),
}
MONTHS = {
    "may": (0.304, -0.4),
    "jul": (0.153, -0.5),
    "aug": (0.138, -0.5),
    "jun": (0.118, 0.3),
    "nov": (0.088, -0.6),
    "apr": (0.065, 0.3),
    "feb": (0.059, 0.1),
    "jan": (0.031, -0.9),
    "oct": (0.016, 1.2),
    "sep": (0.013, 1.2),
    "mar": (0.011, 1.7),
    "dec": (0.005, 1.1),
}
POUTCOME = {  # of the clients that an earlier campaign had called
    "failure": (0.593, 0.1),
    "other": (0.223, 0.3),
    "success": (0.184, 2.4),
}
BASE_LOG_ODDS = -2.52  # leaves about 11.7 % yes
CALLED_BEFORE = 0.183

Values = npt.NDArray[np.str_]
Numbers = npt.NDArray[np.float64]


def bank_marketing_csv(rows: int = 4000, seed: int = 1) -> bytes:
    """A CSV of ``rows`` lines below a header; the same bytes for the same seed.

    Fields are separated by ``;``, lines end in a line feed, text is in double quotes.
    """
    random = np.random.default_rng(seed)
    age = np.clip(18 + random.gamma(4.2, 5.5, rows), 18, 95).round()
    job, by_job = _draw(random, JOBS, rows)
    marital, by_marital = _draw(random, MARITAL, rows)
    education, by_education = _draw(random, EDUCATION, rows)
    default = random.random(rows) < 0.018
    balance = np.clip(random.lognormal(6.6, 1.3, rows) - 350, -8019, 102_127).round()
    housing = random.random(rows) < 0.556
    loan = random.random(rows) < 0.160
    contact, by_contact = _draw(random, CONTACT, rows)
    day = random.integers(1, 32, rows)
    month, by_month = _draw(random, MONTHS, rows)
    duration = np.clip(random.lognormal(5.19, 0.88, rows), 0, 4918).round()
    campaign = np.clip(random.geometric(0.38, rows), 1, 63)
    called = random.random(rows) < CALLED_BEFORE
    pdays = np.where(called, np.clip(random.normal(225, 115, rows), 1, 871), -1).round()
    previous = np.where(called, np.clip(random.geometric(0.32, rows), 1, 275), 0)
    outcome, by_outcome = _draw(random, POUTCOME, rows)
    poutcome = np.where(called, outcome, "unknown")

    log_odds = (
        BASE_LOG_ODDS
        + by_job
        + by_marital
        + by_education
        + by_contact
        + by_month
        + np.where(called, by_outcome, 0.0)
        + 2.2 * (np.log1p(duration) - 5.2)
        - 0.7 * housing
        - 0.45 * loan
        - 0.1 * (campaign - 1)
        + 0.05 * np.clip(balance / 1000, -2, 10)
        + 0.5 * (age >= 60)
    )
    yes = random.random(rows) < 1 / (1 + np.exp(-log_odds))

    columns = {
        "age": _bare(age),
        "job": _quoted(job),
        "marital": _quoted(marital),
        "education": _quoted(education),
        "default": _quoted(_yes_no(default)),
        "balance": _bare(balance),
        "housing": _quoted(_yes_no(housing)),
        "loan": _quoted(_yes_no(loan)),
        "contact": _quoted(contact),
        "day": _bare(day),
        "month": _quoted(month),
        "duration": _bare(duration),
        "campaign": _bare(campaign),
        "pdays": _bare(pdays),
        "previous": _bare(previous),
        "poutcome": _quoted(poutcome),
        "y": _quoted(_yes_no(yes)),
    }
    header = ";".join(f'"{name}"' for name in columns)
    lines = [header, *map(";".join, zip(*columns.values(), strict=True))]
    return ("\n".join(lines) + "\n").encode()


def _draw(
    random: np.random.Generator, values: dict[str, tuple[float, float]], rows: int
) -> tuple[Values, Numbers]:
    """Values by their shares, and what each adds to the log-odds; both (rows,)."""
    shares = np.array([share for share, _ in values.values()])
    effects = np.array([effect for _, effect in values.values()])
    chosen = random.choice(len(values), rows, p=shares / shares.sum())
    return np.array(list(values))[chosen], effects[chosen]


def _yes_no(flags: npt.NDArray[np.bool_]) -> Values:
    return np.where(flags, "yes", "no")


def _bare(numbers: npt.NDArray[np.number]) -> list[str]:
    return [str(int(number)) for number in numbers]


def _quoted(values: Values) -> list[str]:
    return [f'"{value}"' for value in values]
