from pip import main

raise SystemExit(main())
