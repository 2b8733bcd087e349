Example scripts: XCLIENT for trusted networks, STATUS for the operator, no mail before TLS, repair of a client's MAIL FROM, a tarpit, a dialogue of questions and answers.
