"""Whether kubelore gets better with use, and whether wrong cases can make it worse.

Every case of a benchmark is investigated once without past cases; a simulated person confirms each answer
that is right and corrects each that is wrong; what was learned so is then recalled in other investigations,
in several arms over the same cases in the same order. Cases of one group (cause and object) are never learned
from and tested on at once, unless the experiment is about recurring ones.

`lived` is what one investigation leaves behind, `tasks` runs investigations, `experiments` lists them, `arms`
and `attacks` choose what is recalled, `fit` learns the weights of recall, `figures` and `page` report. A
benchmark is an adapter beside them (`opsbench`, `recorded`). Nothing here knows a cause by name. Start at
`experiments`.
"""
